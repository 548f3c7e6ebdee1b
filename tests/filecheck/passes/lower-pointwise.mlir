// RUN: pqc opt %s -p lower-to-pqa --print-debuginfo | filecheck %s

// A function by one table for all channels: the table is loaded once, its entries packed at their three bits.
// CHECK: [[S:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 32> loc("sigmoid")
// CHECK-NEXT: [[D:%[^ ]+]] = pqa.constant <"map", {{.*}} : !pqa.region<dram, 2>
// CHECK-NEXT: [[T:%[^ ]+]] = pqa.allocate : !pqa.region<table, 2>
// CHECK-NEXT: pqa.load dram = [[D]], address = [[T]] <item_bytes = 2, items = 1, rows = 1, planes = 1, entry_bits = 3>
// CHECK-NEXT: pqa.map source = [[X:%[^ ]+]], table = [[T]], destination = [[S]] <plane_stride = 16, row_stride = 4, column_stride = 1, entry_bits = 3, entries = 4, destination_storage = 1, destination_plane_stride = 16, destination_row_stride = 4, planes = 2, rows = 1, columns = 4>
// CHECK-COUNT-3: pqa.map source = [[X]], table = [[T]], destination = [[S]]

// A gate for each channel: strides of 0 read it again for all rows and columns.
// CHECK-NEXT: [[M:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 32> loc("gate")
// CHECK-NEXT: pqa.multiply left = [[S]], right = [[G:%[^ ]+]], destination = [[M]] <left_storage = 1, left_plane_stride = 16, left_row_stride = 4, left_column_stride = 1, right_plane_stride = 1, destination_storage = 1, destination_plane_stride = 16, destination_row_stride = 4, planes = 2, rows = 1, columns = 4, multiplier = 16384, shift = 14, low = -128, high = 127>
// CHECK-COUNT-3: pqa.multiply left = [[S]], right = [[G]], destination = [[M]]

// A table for each channel.
// CHECK: [[T:%[^ ]+]] = pqa.allocate : !pqa.region<table, 8> loc("prelu")
// CHECK-NEXT: pqa.load {{.*}}address = [[T]] <item_bytes = 8, items = 1, rows = 1, planes = 1, entry_bits = 8>
// CHECK-NEXT: pqa.map source = [[X]], table = [[T]], destination = [[P:%[^ ]+]] <{{.*}}entries = 4, table_per_plane = 1, {{.*}}planes = 2,
// CHECK-COUNT-3: pqa.map source = [[X]], table = [[T]], destination = [[P]]

// A product of two tensors of one shape.
// CHECK: pqa.multiply left = [[M]], right = [[P]], destination = {{.*}} <{{.*}}right_plane_stride = 16, right_row_stride = 4, right_column_stride = 1, 

builtin.module attributes {pqc.inputs = ["image", "gates"], pqc.outputs = ["y"], pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: !pq.tensor<?x2x4x4xui2, 0.5>, %g: !pq.tensor<?x2x1x1xui8, 0.5>) -> !pq.tensor<?x2x4x4xsi8, 0.5> {
    %table = blob.constant <"map", "0a2984ca02415944"> : tensor<1x4xsi8>
    %tables = blob.constant <"map for 2 channels", "a4a5b13340400d7d"> : tensor<2x4xsi8>
    %s = qnn.map %x, %table : !pq.tensor<?x2x4x4xui2, 0.5>, tensor<1x4xsi8> -> !pq.tensor<?x2x4x4xsi3, 0.5> loc("sigmoid")
    %m = qnn.multiply %s, %g multiplier 16384 shift 14 clip [-128, 127] : !pq.tensor<?x2x4x4xsi3, 0.5>, !pq.tensor<?x2x1x1xui8, 0.5> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("gate")
    %p = qnn.map %x, %tables : !pq.tensor<?x2x4x4xui2, 0.5>, tensor<2x4xsi8> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("prelu")
    %y = qnn.multiply %m, %p multiplier 16384 shift 14 clip [-128, 127] : !pq.tensor<?x2x4x4xsi8, 0.5>, !pq.tensor<?x2x4x4xsi8, 0.5> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("product")
    func.return %y : !pq.tensor<?x2x4x4xsi8, 0.5>
  }
}
